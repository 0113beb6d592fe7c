# Turkish.

weekday-1 = Pazartesi
weekday-2 = Salı
weekday-3 = Çarşamba
weekday-4 = Perşembe
weekday-5 = Cuma
weekday-6 = Cumartesi
weekday-7 = Pazar
month-1 = Ocak
month-2 = Şubat
month-3 = Mart
month-4 = Nisan
month-5 = Mayıs
month-6 = Haziran
month-7 = Temmuz
month-8 = Ağustos
month-9 = Eylül
month-10 = Ekim
month-11 = Kasım
month-12 = Aralık
moment = { $day } { $month-name } { $weekday }, saat { $hour }.{ $minute }

mail-subject = { $count ->
        [one] Devamsızlık bildirimi
       *[other] Devamsızlık bildirimleri
    } – { $school }
mail-subject-there = Devamsızlık düzeltmesi – { $school }
mail-hello = Merhaba,
mail-absent = { $name } derste değildi ({ $moment }).
mail-there = { $name } için bildirilen devamsızlık iptal edildi ({ $moment }).
mail-ask = Lütfen nedenini bu sayfada bize bildirin; hesap açmanız gerekmez:
mail-nothing = Size yanlışlıkla devamsızlık bildirmiştik, özür dileriz. Yapmanız gereken bir şey yok. Ayrıntılar bu sayfada:
mail-telephone = Telefon: { $telephone }

sms-when = { $dd }.{ $mm } saat { $hour }.{ $minute }
sms-who = { $names }, { $when }
sms-absent = { $from }. Derste yok: { $who }. Yanıt: { $link }
sms-there = { $from }. Devamsızlık yok: { $who }. Hatamız için özür dileriz, yapmanız gereken bir şey yok.
sms-comma = ,
sms-semicolon = ;

page-title = Devamsızlık
page-absent = Derste değildi
page-there = Devamsızlık iptal edildi
page-got = Bu mesajı aldım
page-seen = Mesajı aldığınızı onayladınız.
page-why = Nedenini bildirin
page-reason = Neden
page-choose = Seçin…
page-comment = Açıklama (isteğe bağlı)
page-rest = Öğleye veya günün sonuna kadar devamsızlık
page-document = Belge (isteğe bağlı): PDF veya fotoğraf
page-send = Gönder
page-received = Neden alındı
page-thanks = Teşekkürler, okul yanıtınızı aldı.
page-gone = Bu bağlantı artık geçerli değil. Lütfen okulu arayın.
page-languages = Diller

problem-title = Yanıt gönderilmedi
problem-reason = Listeden bir neden seçin.
problem-comment = Açıklama çok uzun: en fazla { $characters } karakter.
problem-size = Belge çok büyük: en fazla { $megabytes } MB.
problem-kind = Bu belge okunamıyor. PDF ya da JPEG veya PNG fotoğraf gönderin.
problem-later = Yanıtınız kaydedilemedi. Lütfen birkaç dakika sonra yeniden deneyin.
problem-again = Bir belge eklediyseniz yeniden ekleyin.
