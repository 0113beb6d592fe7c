# Arabic, modern standard. Verbs would say whether a child is a boy or a girl: nouns are used instead.

weekday-1 = الاثنين
weekday-2 = الثلاثاء
weekday-3 = الأربعاء
weekday-4 = الخميس
weekday-5 = الجمعة
weekday-6 = السبت
weekday-7 = الأحد
month-1 = يناير
month-2 = فبراير
month-3 = مارس
month-4 = أبريل
month-5 = مايو
month-6 = يونيو
month-7 = يوليو
month-8 = أغسطس
month-9 = سبتمبر
month-10 = أكتوبر
month-11 = نوفمبر
month-12 = ديسمبر
moment = يوم { $weekday } { $day } { $month-name } على الساعة { $hour }:{ $minute }

mail-subject = { $count ->
        [one] تسجيل غياب
       *[other] تسجيل حالات غياب
    } – { $school }
mail-subject-there = تصحيح غياب – { $school }
mail-hello = السلام عليكم،
mail-absent = تم تسجيل غياب { $name } عن الدرس { $moment }.
mail-there = تم إلغاء غياب { $name } { $moment }.
mail-ask = يرجى إخبارنا بالسبب في هذه الصفحة، دون الحاجة إلى حساب:
mail-nothing = أبلغناكم بغياب عن طريق الخطأ ونعتذر عن ذلك. لا يلزمكم القيام بأي شيء. التفاصيل في هذه الصفحة:
mail-telephone = الهاتف: { $telephone }

sms-when = { $dd }/{ $mm } { $hour }:{ $minute }
sms-who = { $names }، { $when }
sms-absent = { $from }. غياب: { $who }. الرد: { $link }
sms-there = { $from }. لا غياب: { $who }. نعتذر عن الخطأ، لا يلزمكم القيام بأي شيء.
sms-comma = ،
sms-semicolon = ؛

page-title = غياب
page-absent = غياب عن الدرس
page-there = تم إلغاء الغياب
page-got = لقد استلمت هذه الرسالة
page-seen = لقد أكدتم استلام الرسالة.
page-why = ذكر السبب
page-reason = السبب
page-choose = اختيار…
page-comment = تعليق (اختياري)
page-rest = الغياب حتى نهاية الصباح أو بعد الظهر
page-document = وثيقة (اختيارية): PDF أو صورة
page-send = إرسال
page-received = تم استلام السبب
page-thanks = شكرا، لقد استلمت المؤسسة جوابكم.
page-gone = هذا الرابط لم يعد صالحا. يرجى الاتصال بالمؤسسة.
page-languages = اللغات

problem-title = لم يتم إرسال الجواب
problem-reason = يرجى اختيار سبب من القائمة.
problem-comment = التعليق طويل جدا. الحد الأقصى لعدد الأحرف: { $characters }.
problem-size = الوثيقة كبيرة جدا. الحد الأقصى: { $megabytes } ميغابايت.
problem-kind = لا يمكن قراءة الوثيقة. يرجى إرسال ملف PDF أو صورة JPEG أو PNG.
problem-later = تعذر حفظ جوابكم. يرجى المحاولة مرة أخرى بعد بضع دقائق.
problem-again = إذا أرفقتم وثيقة، فيرجى إرفاقها من جديد.
